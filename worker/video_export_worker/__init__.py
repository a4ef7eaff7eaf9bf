"""The worker: renders session recordings to video and runs the export workflows."""
