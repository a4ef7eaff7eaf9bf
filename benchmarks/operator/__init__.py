"""What many VideoExportWorker resources cost the operator, and how fast it reacts on a real node."""
