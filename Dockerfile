# Kintsugi: one image for all roles (server, gateway, node).
# Node 26 is the newest LTS that the pinned better-sqlite3 supports.

FROM node:26 AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build && npm prune --omit=dev --no-audit --no-fund && chmod +x dist/main.js

FROM node:26-slim
ENV NODE_ENV=production
# In a container loopback reaches nobody. Keys are generated at the first start unless they are given.
ENV KINTSUGI_HOST=0.0.0.0
ENV KINTSUGI_ADMIN_HOST=0.0.0.0
COPY --from=build /app/package.json /app/
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
# New volumes take their owner from these folders.
RUN ln -s /app/dist/main.js /usr/local/bin/kintsugi \
    && mkdir -p /data /secret && chown node:node /data /secret && chmod 700 /data /secret
USER node
WORKDIR /data
VOLUME ["/data"]
EXPOSE 9000 9001 9100
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s CMD ["kintsugi", "health"]
ENTRYPOINT ["kintsugi"]
CMD ["server", "/data"]
