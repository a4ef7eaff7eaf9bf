// The page has no way to the network, whatever it is made to construct. This module comes before every other.

const WAYS_OUT = /^(webkit|moz)?(RTC|WebSocket|WebTransport|EventSource|XMLHttpRequest|Worker|SharedWorker|Presentation|PaymentRequest|TCP|UDP|fetch|open$)/;
const BY_NAVIGATOR = ["sendBeacon", "serviceWorker", "registerProtocolHandler", "mediaDevices", "credentials", "usb", "serial", "hid", "bluetooth"];

for (const name of Object.getOwnPropertyNames(window)) if (WAYS_OUT.test(name)) delete window[name];
for (const name of BY_NAVIGATOR) delete Navigator.prototype[name];
