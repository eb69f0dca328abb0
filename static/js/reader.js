/* A spare: without it the article page lacks nothing but these conveniences, which stay hidden.
   Each control is shown where the browser can do what it says. Nothing is stored and nobody is told:
   an article is read aloud only by a voice that speaks on the device itself. */

const speech = window.speechSynthesis;
const actions = { copy, share, listen };

function voice() {
  const language = document.documentElement.lang;
  const own = { en: "en-gb", pt: "pt-pt" }[language];
  const code = (each) => each.lang.toLowerCase().replace("_", "-");
  const voices = speech?.getVoices().filter((each) => each.localService && code(each).startsWith(language));
  return voices?.find((each) => code(each) === own) ?? voices?.[0];
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

function listen(button) {
  const speaking = button.textContent === button.dataset.stop;
  speech.cancel();
  button.dataset.start ??= button.textContent;
  button.textContent = speaking ? button.dataset.start : button.dataset.stop;
  if (speaking) return;
  const parts = document.querySelectorAll("h1, article > :is(p, h2, h3, ul, ol, blockquote)");
  for (const part of parts) {
    const words = new SpeechSynthesisUtterance(part.textContent.trim());
    words.voice = voice();
    words.lang = words.voice.lang;
    if (part === parts[parts.length - 1]) words.onend = () => (button.textContent = button.dataset.start);
    speech.speak(words);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-reader]");
  if (button) actions[button.dataset.reader](button);
});
document.addEventListener("consent:change", reveal);
speech?.addEventListener?.("voiceschanged", reveal);
addEventListener("pagehide", () => speech?.cancel());
reveal();
