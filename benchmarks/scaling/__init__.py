"""How well queues of exports are scaled: the operator's own decisions against KEDA and a fixed number of pods."""
