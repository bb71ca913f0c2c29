# The image that regsweep's step runs in: the program, a shell and an ssh client, for Jenkins, GitLab and by hand. The
# context has the program, static and for the target's platform, as "make image" and a release lay it there: what was
# tested and signed is what is in here, and not a second build of it.
#
# The base is Debian's slim image: everybody can pull it, it is rebuilt whenever a package of it is mended, it has the
# coreutils and OpenSSH that CI systems and --gc-via count on, and mmdebstrap makes the same from Debian's packages, so
# that a test builds this file without a registry (e2e/image_test.go). A release gives BASE with the digest of the day.
ARG BASE=docker.io/library/debian:trixie-slim
FROM ${BASE}

# What packages leave behind and what differs from build to build is removed: the same base and packages give the same
# bytes, when the engine sets the files' times too (--timestamp of podman and buildah, rewrite-timestamp of BuildKit).
RUN set -eu; \
    export DEBIAN_FRONTEND=noninteractive; \
    apt-get update -qq; \
    apt-get install -y -qq --no-install-recommends ca-certificates libnss-wrapper openssh-client; \
    apt-get clean; \
    rm -rf /var/lib/apt/lists/* /var/log/* /var/cache/ldconfig/aux-cache /var/cache/debconf/*-old /var/lib/dpkg/*-old

# A mode of its own, since the context's is that of the builder's umask.
COPY --chmod=0755 image/entrypoint image/ssh regsweep /usr/local/bin/

ARG BASE
ARG VERSION=development
ARG REVISION=
LABEL org.opencontainers.image.title="regsweep" \
      org.opencontainers.image.description="Prunes a container registry after a push, and says why" \
      org.opencontainers.image.url="https://github.com/regsweep/regsweep" \
      org.opencontainers.image.source="https://github.com/regsweep/regsweep" \
      org.opencontainers.image.documentation="https://github.com/regsweep/regsweep/tree/main/docs" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE}"

# There is no USER: GitHub wants root for images of actions, and on GitLab, Drone and Woodpecker the workspace is root's.
# Any other user works as well: docker run --user, runAsUser, and what Jenkins does by itself.
ENTRYPOINT ["/usr/local/bin/entrypoint"]
