# The explorer on a CPU: docker build -t crt . && docker run -p 7860:7860 crt
FROM python:3.11-slim

# pydensecrf2 is built from source
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home --uid 1000 crt
WORKDIR /home/crt/explorer

COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt

COPY --chown=crt app.py ./
COPY --chown=crt app app
COPY --chown=crt crt crt
COPY --chown=crt checkpoints checkpoints
COPY --chown=crt results results

USER crt
ENV GRADIO_SERVER_NAME=0.0.0.0
EXPOSE 7860
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/health')"]
CMD ["python", "app.py"]
