# The explorer on a CPU: docker build -t crt . && docker run -p 127.0.0.1:7860:7860 crt
# With CUDA: docker build --build-arg TORCH_INDEX=https://pypi.org/simple -t crt . && docker run --gpus all -p 127.0.0.1:7860:7860 crt
FROM python:3.11-slim AS builder

# pydensecrf2 is built from source
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*

# Where PyTorch's wheels come from. Those of the default are without CUDA and a tenth as large.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

RUN python -m venv /opt/venv
COPY requirements.txt .
# What only training needs stays out.
RUN grep -v -E '^(accelerate|tensorboard)==' requirements.txt > runtime.txt \
    && /opt/venv/bin/pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" -r runtime.txt

FROM python:3.11-slim

RUN useradd --create-home --uid 1000 crt
WORKDIR /home/crt/explorer

COPY --from=builder /opt/venv /opt/venv
COPY --chown=crt app.py ./
COPY --chown=crt app app
COPY --chown=crt crt crt
COPY --chown=crt checkpoints checkpoints
COPY --chown=crt results results

USER crt
ENV PATH=/opt/venv/bin:$PATH
ENV PYTHONUNBUFFERED=1
ENV GRADIO_SERVER_NAME=0.0.0.0
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:7860/health', timeout=8)"]
CMD ["python", "app.py"]
