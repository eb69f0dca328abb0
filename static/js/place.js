/* Loaded only while personalised content is accepted: tells the server at which block of a long
   article the reader stopped, when they leave the page. */

const article = document.querySelector("article[data-place-at]");
const blocks = [...article.querySelectorAll(":scope > [id^=p]")];

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "hidden") return;
  const read = blocks.filter((block) => block.getBoundingClientRect().top < innerHeight / 2);
  if (read.length < 2 || !article.isConnected) return; // Another page may have been swapped in.
  const form = new URLSearchParams({ slug: article.dataset.slug, place: read.at(-1).id.slice(1) });
  navigator.sendBeacon(article.dataset.placeAt, form);
});
