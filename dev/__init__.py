"""The whole system on one machine: Kubernetes, Temporal, an S3 server, images, and the demo."""
