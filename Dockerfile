# fsnetd and fsnet in a small image: docker build -t fsnet . && docker run -p 8080:8080 -v fsnet:/data --name fsnet fsnet
# It asks for tokens; the first: docker exec fsnet fsnetd token create --name ME --role admin
FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends \
        gcc clang libc6-dev make pkg-config protobuf-c-compiler libprotobuf-c-dev libarchive-dev zlib1g-dev \
        libjpeg62-turbo-dev libpng-dev libexpat1-dev libjansson-dev libopenblas-dev libmicrohttpd-dev libgnutls28-dev libsqlite3-dev libuv1-dev nettle-dev \
        libcurl4-gnutls-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN make -j"$(nproc)" all && make install DESTDIR=/out PREFIX=/usr/local

FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
        libprotobuf-c1 libarchive13 zlib1g libjpeg62-turbo libpng16-16 libexpat1 libjansson4 \
        libopenblas0-pthread libmicrohttpd12 libgnutls30 libsqlite3-0 libuv1 libnettle8 \
        libcurl3-gnutls ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin fsnet \
    && install -d -o fsnet -g fsnet -m 750 /data
COPY --from=build /out/usr/local/bin/ /usr/local/bin/
COPY LICENSE /usr/share/doc/fsnet/
USER fsnet
VOLUME /data
ENV FSNETD_DATA_DIR=/data FSNETD_AUTH=tokens
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s \
    CMD ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["fsnetd"]
CMD ["serve", "--listen", "0.0.0.0:8080"]
