/* A spare: without it every form of this site works as well.
   It sends a choice in the background, puts the answer into the page, moves the focus to it and tells
   the page ("consent:change" on document, with the purposes now given) and other tabs. Only where no
   answer comes is the form sent as without this file. */

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
  if (!page.querySelector("main")) return location.reload(); // It is not this site's.
  await Promise.all([...page.querySelectorAll("link[rel=stylesheet]")].map(style));
  document.documentElement.className = page.documentElement.className;
  document.title = page.title;
  document.body.replaceWith(document.adoptNode(page.body));
  document.querySelector("[autofocus]")?.focus();
  tell();
  document.dispatchEvent(new CustomEvent("consent:change", { detail: { given: given() ?? [] } }));
}

/* An error may be a page of another kind, which has a style of its own. */
function style(sheet) {
  if (document.head.querySelector(`[href="${sheet.getAttribute("href")}"]`)) return;
  return new Promise((done) => {
    sheet.onload = sheet.onerror = done;
    document.head.append(sheet);
  });
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
