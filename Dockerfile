# One image for web and worker. Data lives on volumes: /data (SQLite, if you use it) and /keys (keys of open pulses).
FROM python:3.11-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends postgresql-client \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 10001 retorno \
 && install -d -o retorno -m 0700 /data /keys
WORKDIR /srv/retorno
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
USER retorno
ENV DATABASE_URL=sqlite:////data/retorno.db KEYS_DIR=/keys LOG_FORMAT=json PYTHONUNBUFFERED=1
VOLUME ["/data", "/keys"]
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--no-ws", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "wsgi:app"]
