# The image with regsweep, a shell and an ssh client, for Jenkins, GitLab and by hand. The build context has the program,
# static and for the target's platform; "make image" or a release puts it there. So the image contains the program that was
# tested and signed, not a second build of it.
#
# The base is Debian's slim image: everybody can pull it, it is rebuilt whenever a package of it is fixed, it has the
# coreutils and OpenSSH that CI systems and --gc-via count on, and mmdebstrap makes the same from Debian's packages, so
# that a test builds this file without a registry (e2e/image_test.go). A release gives BASE with the digest of the day.
ARG BASE=docker.io/library/debian:trixie-slim
FROM ${BASE}

# Files that packages leave and files that differ between builds are removed. The same base and packages give the same
# bytes if the engine sets the files' times too (--timestamp of podman and buildah, rewrite-timestamp of BuildKit).
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
