/* A spare: without it the article page lacks nothing but these conveniences, which stay hidden.
   Each control is shown where the browser can do what it says. Nothing is stored and nobody is told:
   an article is read aloud only by a voice that speaks on the device itself. Firefox calls all voices
   of Linux remote, and names by its address whence they come: from Speech Dispatcher, on the device. */

const speech = window.speechSynthesis;
const actions = { copy, share, listen };

function voice() {
  const language = document.documentElement.lang;
  const own = { en: "en-gb", pt: "pt-pt" }[language];
  const code = (each) => each.lang.toLowerCase().replace("_", "-");
  const isNear = (each) => each.localService || each.voiceURI?.startsWith("urn:moz-tts:speechd:");
  const voices = speech?.getVoices().filter((each) => isNear(each) && code(each).startsWith(language));
  return voices?.find((each) => code(each) === own) ?? voices?.[0];
}

function reveal() {
  const able = { copy: navigator.clipboard, share: navigator.share, listen: voice() };
  for (const button of document.querySelectorAll("[data-reader]")) {
    button.hidden = !able[button.dataset.reader];
  }
}

function address() {
  return document.querySelector("link[rel=canonical]").href;
}

async function copy(button) {
  await navigator.clipboard.writeText(address());
  document.querySelector("[data-reader-says]").textContent = button.dataset.done;
}

function share() {
  navigator.share({ title: document.querySelector("h1").textContent, url: address() }).catch(() => {});
}

/* What the button says is no sign of what it does: the browser may have translated it. */
/* The numbers of notes are not read. */
function listen(button) {
  speech.cancel();
  button.dataset.start ??= button.textContent;
  if (button.dataset.speaking) return rest(button);
  button.dataset.speaking = true;
  button.textContent = button.dataset.stop;
  let words;
  for (const part of document.querySelectorAll("h1, .standfirst, article > :is(p:not(.printed), h2, h3, ul, ol, blockquote)")) {
    const copy = part.cloneNode(true);
    for (const note of copy.querySelectorAll("sup")) note.remove();
    words = new SpeechSynthesisUtterance(copy.textContent.trim());
    words.voice = voice();
    words.lang = words.voice.lang;
    speech.speak(words);
  }
  words.onend = () => rest(button);
}

function rest(button) {
  delete button.dataset.speaking;
  button.textContent = button.dataset.start;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-reader]");
  if (button) actions[button.dataset.reader](button);
});
document.addEventListener("consent:change", reveal);
speech?.addEventListener?.("voiceschanged", reveal);
addEventListener("pagehide", () => speech?.cancel());
reveal();
