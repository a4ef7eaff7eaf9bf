// Audio and video clips, shown at the time of the recording. rrweb keeps what the user did to each; it would play them.

const SEEK_TIMEOUT_MS = 5000;

export class Media {
  #states;
  #manager;

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
      if (Math.abs(clip.currentTime - time) < 1e-4) continue;
      clip.currentTime = time;
      sought.push(reached(clip, "seeked"));
    }
    await Promise.all(sought);
    return playing;
  }
}

/** Whether a clip will have pictures: only what is in the recording itself can be loaded. */
function isComing(clip) {
  if (clip.readyState !== HTMLMediaElement.HAVE_NOTHING || clip.error) return false;
  return [clip, ...clip.querySelectorAll("source")].some(({ src }) => /^(data|blob):/.test(src));
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
