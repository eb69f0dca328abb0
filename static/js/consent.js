/* A spare: without it every form works as well. It sends a choice in the background, puts the answer
   into the page with the focus on it, and tells the page ("consent:change" on document, with what is
   now given) and other tabs. Where no answer comes, the form is sent as without this file. */

const channel = window.BroadcastChannel && new BroadcastChannel("consent");
/* The last button, until it is answered: only a repeat of it says nothing new. */
let pressed;
let turn = Promise.resolve();

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  const { next } = form.elements;
  if (next) next.value = next.value.split("#")[0] + location.hash;
  if (!submitter) return; // An old browser tells no button.
  const swaps = form.matches("[data-swap]");
  const again = pressed === submitter;
  if (swaps || again) event.preventDefault();
  if (again) return;
  pressed = submitter;
  if (swaps) turn = turn.then(() => send(form, submitter));
  else setTimeout(() => (pressed = undefined), 2000);
});

async function send(form, { name, value }) {
  const body = new URLSearchParams(new FormData(form));
  if (name) body.append(name, value);
  const page = await load(form.action, { method: "POST", body, keepalive: true });
  if (page) return show(page);
  const button = document.createElement("input");
  Object.assign(button, { type: "hidden", name, value });
  form.append(button);
  document.body.append(form);
  form.submit();
}

async function load(address, options) {
  const answer = await fetch(address, options).catch(() => {});
  return answer && new DOMParser().parseFromString(await answer.text().catch(() => ""), "text/html");
}

async function show(page) {
  if (!page.querySelector("main")) return location.reload(); // It is not ours.
  const [common, ...others] = page.querySelectorAll("[rel=stylesheet]");
  // Another kind of page has its own style.
  for (const style of others) {
    document.head.append(style);
    await new Promise((done) => (style.onload = style.onerror = done));
  }
  document.documentElement.className = page.documentElement.className;
  document.title = page.title;
  document.body.replaceWith(page.body);
  document.querySelector("[autofocus]")?.focus();
  // A first view has its style in itself; the next page will ask for the file.
  if (!document.querySelector("[rel=stylesheet]")) document.head.append(common ?? "");
  tell();
  document.dispatchEvent(new CustomEvent("consent:change", { detail: { given: given() ?? [] } }));
}

function given() {
  return document.body.dataset.given?.split(" ").filter(Boolean); // undefined before a choice
}

function tell() {
  channel?.postMessage(given());
}

channel?.addEventListener("message", ({ data }) => {
  if (given()?.some((purpose) => !data?.includes(purpose))) location.reload();
  else if (data) document.querySelector(".notice form")?.parentElement.remove();
});

// A page that comes back may be from before a choice.
addEventListener("pageshow", async ({ persisted }) => {
  if (!persisted && performance.getEntriesByType("navigation")[0].type !== "back_forward") return;
  const page = await load(location.href, { cache: "no-cache" });
  if (page && page.body.dataset.given !== document.body.dataset.given) location.reload();
});
if (document.querySelector("[autofocus]")) tell(); // It answers a choice.
