# One image for web and worker. Data lives on volumes: /data (SQLite, if you use it), /keys (keys of open pulses)
# and /journal (what a restored backup is brought up to date with).
FROM python:3.11-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends postgresql-client \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 10001 retorno \
 && install -d -o retorno -m 0700 /data /keys /journal
WORKDIR /srv/retorno
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
USER retorno
ENV DATABASE_URL=sqlite:////data/retorno.db KEYS_DIR=/keys JOURNAL_DIR=/journal LOG_FORMAT=json PYTHONUNBUFFERED=1
VOLUME ["/data", "/keys", "/journal"]
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--no-ws", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "wsgi:app"]
