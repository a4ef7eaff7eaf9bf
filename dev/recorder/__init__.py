"""Makes the test recordings: rrweb's own recorder in Chromium, while a scripted user works on pages made for it."""
