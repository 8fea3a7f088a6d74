# nsecBunker in a container: one static binary, nothing else, nobody's user.
#
#   docker build -t nsecbunker .
#   docker run -d --name nsecbunker -v nsecbunker:/data --ulimit memlock=67108864 nsecbunker start --admin npub1…
#
# Targets: image (the default) compiles with libsecp256k1. prebuilt takes the binary from dist/image/, for machines without
# access to base images: `make image` builds it so, without a container engine, and runs its entry point.

# What the image is, but for its files. CA roots and time zones are compiled into the binary.
FROM scratch AS base
# The data folder is the one place that is written: the image runs with --read-only, too.
ENV NSECBUNKER_DATA=/data \
    TMPDIR=/data \
    GOTRACEBACK=none
USER 65532:65532
VOLUME ["/data"]
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["/nsecbunker", "doctor", "--quick"]
ENTRYPOINT ["/nsecbunker"]
CMD ["start"]

FROM base AS prebuilt
COPY --chown=0:0 dist/image/nsecbunker /nsecbunker
COPY --chown=65532:65532 dist/image/volume/ /

FROM golang:1.26-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends libsecp256k1-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
RUN VERSION="$VERSION" scripts/release dist/image/nsecbunker && mkdir -p dist/image/volume && mkdir -m 0700 dist/image/volume/data

FROM base AS image
COPY --from=build --chown=0:0 /src/dist/image/nsecbunker /nsecbunker
# /data itself: a new volume takes over its owner and mode (0700), which a COPY keeps for what is inside the folder copied.
COPY --from=build --chown=65532:65532 /src/dist/image/volume/ /
