// Audio and video clips, shown at the time of the recording. rrweb keeps what the user did to each; it would play them.

const SEEK_TIMEOUT_MS = 5000;
const LOOK_AGAIN_MS = 20; // at a clip of which nobody says whether it comes
const MOST_FRAMES = 40; // until the picture of a clip is there

export class Media {
  #states;
  #manager;
  #awaited = new Set(); // clips whose picture was changed and has not been presented
  #known = new WeakSet();
  #waitedFor = new WeakSet(); // clips that were waited for: none is twice
  #asked = 0;

  constructor(replayer) {
    this.#manager = replayer.mediaManager;
    this.#states = replayer.mediaManager.mediaMap;
    this.#manager.syncAllMediaElements = () => {};
    this.#manager.syncTargetWithState = (clip) => clip.pause();
  }

  /** A clip that was added to the page; rrweb knows those of snapshots only. */
  add(clip, at, mirror) {
    if (!this.#states.has(clip)) this.#manager.addMediaElements(clip, at, mirror);
    clip.pause();
  }

  /** Shows each clip as it is at `at`; true if one plays. Resolves when the pictures are there. */
  async show(at) {
    let playing = false;
    for (const clip of this.#states.keys()) if (!clip.isConnected) this.#states.delete(clip);
    await Promise.all([...this.#states.keys()].map((clip) => this.#arrival(clip)));
    const sought = [];
    for (const [clip, state] of this.#states) {
      if (clip.readyState === HTMLMediaElement.HAVE_NOTHING) continue;
      const time = positionOf(clip, state, at);
      playing ||= state.isPlaying && (clip.loop || time < clip.duration);
      const isNew = !this.#known.has(clip);
      this.#known.add(clip);
      if (Math.abs(clip.currentTime - time) < 1e-4) {
        if (isNew) this.#await(clip);
        continue;
      }
      clip.currentTime = time;
      sought.push(reached(clip, "seeked").then(() => this.#await(clip)));
    }
    await Promise.all(sought);
    return playing;
  }

  /** Resolves when a clip has its first picture, or is known not to get one. */
  async #arrival(clip) {
    if (this.#waitedFor.has(clip) || clip.readyState !== HTMLMediaElement.HAVE_NOTHING || !hasSource(clip)) return;
    this.#waitedFor.add(clip);
    const until = performance.now() + SEEK_TIMEOUT_MS;
    // A source is chosen when the scripts that run now are through: only then the state of the network says something.
    do await changed(clip);
    while (isComing(clip) && performance.now() < until);
  }

  #await(clip) {
    this.#asked = 0;
    if (!clip.videoWidth || !isInSight(clip)) return;
    this.#awaited.add(clip);
    clip.requestVideoFrameCallback(() => this.#awaited.delete(clip));
  }

  /** Whether frames have shown what was sought; a clip that is covered may never be. */
  isPresented() {
    this.#asked += 1;
    if (this.#asked > MOST_FRAMES) this.#awaited.clear();
    return this.#awaited.size === 0;
  }
}

/** Whether a clip names anything that the page could have; what another page has made (`blob:`) is gone with it. */
function hasSource(clip) {
  return [clip, ...clip.querySelectorAll("source")].some(({ src }) => src && !src.startsWith("blob:"));
}

/** Whether a clip may still get pictures: not where it failed, or all of its sources did, or where it has one. */
function isComing(clip) {
  if (!clip.isConnected || clip.error || clip.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) return false;
  return clip.networkState === HTMLMediaElement.NETWORK_LOADING;
}

function isInSight(clip) {
  const { top, left, bottom, right } = clip.getBoundingClientRect();
  const { innerWidth, innerHeight } = clip.ownerDocument.defaultView;
  return bottom > 0 && right > 0 && top < innerHeight && left < innerWidth && clip.checkVisibility({ visibilityProperty: true });
}

/** Seconds into the clip. */
function positionOf(clip, state, at) {
  let time = state.currentTimeAtLastInteraction;
  if (state.isPlaying) time += ((at - state.lastInteractionTimeOffset) / 1000) * state.playbackRate;
  if (clip.loop && clip.duration > 0) return time % clip.duration;
  return Math.max(0, Math.min(time, clip.duration || 0)) || 0;
}

/** Resolves when something about a clip may have changed: an event says so, or it is looked at again soon. */
function changed(clip) {
  return new Promise((resolve) => {
    const options = { once: true, capture: true }; // what a source says does not bubble
    for (const event of ["loadeddata", "error"]) clip.addEventListener(event, resolve, options);
    setTimeout(resolve, LOOK_AGAIN_MS);
  });
}

function reached(clip, event) {
  return new Promise((resolve) => {
    clip.addEventListener(event, resolve, { once: true });
    clip.addEventListener("error", resolve, { once: true });
    setTimeout(resolve, SEEK_TIMEOUT_MS);
  });
}
