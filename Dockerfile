# One image for every Airflow component, the init job and the mail catcher.

# The pages' components come from npm and are only copied: no Node.js in the final image.
FROM node:22-slim AS front-end
WORKDIR /build
COPY plugins/certification_ui/package.json plugins/certification_ui/package-lock.json plugins/certification_ui/.npmrc ./
RUN npm ci

FROM python:3.12-slim
ENV PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/opt/airflow \
    PYTHONPATH=/opt/certification:/opt/certification/plugins
WORKDIR /opt/certification
RUN useradd --uid 50000 --create-home certification \
    && mkdir -p /opt/airflow/logs /opt/certification/manifests /opt/certification/mail \
    && chown -R certification /opt/airflow /opt/certification
COPY requirements.txt ./
RUN pip install --no-cache-dir uv && uv pip install --system --no-cache -r requirements.txt
COPY pyproject.toml README.md ./
COPY certification_lib ./certification_lib
RUN uv pip install --system --no-cache --no-deps -e .
COPY dags ./dags
COPY plugins ./plugins
COPY expectations ./expectations
COPY include ./include
COPY scripts ./scripts
COPY --from=front-end /build/node_modules ./plugins/certification_ui/node_modules
RUN python scripts/front_end.py --copy-only && rm -rf plugins/certification_ui/node_modules \
    && chown -R certification plugins/certification_ui/static
USER certification
EXPOSE 8080
