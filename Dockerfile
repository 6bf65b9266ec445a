# The command in a container. One stage builds and installs it, the other has no compiler and no rights of root.
#
#   docker build -t headpool .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/data" headpool run -i x.npy --weights w.safetensors -o y.npy
FROM node:22-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends g++ && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY package.json package-lock.json ./
COPY test/package/typescript ./test/package/typescript
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build && npm pack --ignore-scripts
RUN npm install --global --prefix /opt/headpool --ignore-scripts --no-audit --no-fund ./headpool-*.tgz

FROM node:22-slim
COPY --from=build /opt/headpool /usr/local
USER node
WORKDIR /data
ENTRYPOINT ["headpool"]
