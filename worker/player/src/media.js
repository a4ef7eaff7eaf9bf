// Audio and video clips, shown at the time of the recording. rrweb keeps what the user did to each; it would play them.

const SEEK_TIMEOUT_MS = 5000;
const MOST_FRAMES = 40; // until the picture of a clip is there

export class Media {
  #states;
  #manager;
  #awaited = new Set(); // clips whose picture was changed and has not been presented
  #known = new WeakSet();
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
    await Promise.all([...this.#states.keys()].filter(isComing).map((clip) => reached(clip, "loadeddata")));
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

/** Whether a clip will have pictures: only what is in the recording itself can be loaded. */
function isComing(clip) {
  if (clip.readyState !== HTMLMediaElement.HAVE_NOTHING || clip.error) return false;
  return [clip, ...clip.querySelectorAll("source")].some(({ src }) => /^(data|blob):/.test(src));
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
  return Math.max(0, Math.min(time, clip.duration || 0));
}

function reached(clip, event) {
  return new Promise((resolve) => {
    clip.addEventListener(event, resolve, { once: true });
    clip.addEventListener("error", resolve, { once: true });
    setTimeout(resolve, SEEK_TIMEOUT_MS);
  });
}
