"""The operator: creates and scales the worker Deployments of VideoExportWorker resources."""
