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
  const voices = speech?.getVoices().filter((each) => isNear(each) && code(each).startsWith(language));
  return voices?.find((each) => code(each) === own) ?? voices?.[0];
}

function isNear(each) {
  return each.localService || each.voiceURI?.startsWith("urn:moz-tts:speechd:");
}

function reveal() {
  const able = { copy: navigator.clipboard, share: navigator.share, listen: voice() };
  for (const control of document.querySelectorAll("[data-reader]")) {
    control.hidden = !able[control.dataset.reader];
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
function listen(button) {
  speech.cancel();
  button.dataset.start ??= button.textContent;
  if (button.matches("[data-speaking]")) return rest(button);
  button.dataset.speaking = "";
  button.textContent = button.dataset.stop;
  const parts = document.querySelectorAll("h1, .standfirst, article > :is(p:not(.printed), h2, h3, ul, ol, blockquote)");
  for (const part of parts) {
    const words = new SpeechSynthesisUtterance(part.textContent.trim());
    words.voice = voice();
    words.lang = words.voice.lang;
    if (part === parts[parts.length - 1]) words.onend = () => rest(button);
    speech.speak(words);
  }
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
