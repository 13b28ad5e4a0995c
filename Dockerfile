# A static binary in an empty image: no shell, no package manager, not root.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download && go mod verify
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/coatcheck . \
 && mkdir -m 0700 /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/coatcheck /coatcheck
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV COATCHECK_DATA_DIR=/data COATCHECK_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/coatcheck", "healthcheck"]
ENTRYPOINT ["/coatcheck"]
CMD ["serve"]
