# The image for regsweep's step: the program, a shell and an ssh client, for Jenkins, GitLab and use by hand. "make image"
# and a release put the program into the build context, static and for the target's platform. The image contains the
# program that was tested and signed, not a second build of it.
#
# The base is Debian's slim image. Everybody can pull it, Debian rebuilds it for every fix in its packages, and it has the
# coreutils and OpenSSH that CI systems and --gc-via need. mmdebstrap makes the same base from Debian's packages, so that
# a test builds this file without a registry (e2e/image_test.go). A release sets BASE with a digest.
ARG BASE=docker.io/library/debian:trixie-slim
FROM ${BASE}

# Remove the remains of the installation and what differs from build to build. The same base and packages then give the
# same bytes, if the engine also sets the files' times (--timestamp of podman and buildah, rewrite-timestamp of BuildKit).
RUN set -eu; \
    export DEBIAN_FRONTEND=noninteractive; \
    apt-get update -qq; \
    apt-get install -y -qq --no-install-recommends ca-certificates libnss-wrapper openssh-client; \
    apt-get clean; \
    rm -rf /var/lib/apt/lists/* /var/log/* /var/cache/ldconfig/aux-cache /var/cache/debconf/*-old /var/lib/dpkg/*-old

# Set the mode, because the mode in the context depends on the builder's umask.
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

# There is no USER: GitHub requires root for images of actions, and on GitLab, Drone and Woodpecker root owns the workspace.
# Any other user works as well: docker run --user, runAsUser, and the user that Jenkins chooses.
ENTRYPOINT ["/usr/local/bin/entrypoint"]
