/* A spare: without it every form of this site works as well.
   It sends a choice in the background, puts what the server answers into the page, moves the focus to
   the confirmation and tells the page: "consent:change" on document, with the purposes now given.
   Whatever goes wrong, the form is sent as it would have been without this file. */

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-swap]")) return;
  event.preventDefault();
  const { submitter } = event;
  try {
    const body = new URLSearchParams(new FormData(form, submitter));
    const answer = await fetch(form.action, { method: "POST", body, keepalive: true });
    if (!answer.ok) throw new Error(answer.statusText);
    show(new DOMParser().parseFromString(await answer.text(), "text/html"), answer.url);
  } catch {
    if (submitter?.name) {
      const pressed = document.createElement("input");
      Object.assign(pressed, { type: "hidden", name: submitter.name, value: submitter.value });
      form.append(pressed);
    }
    form.submit();
  }
});

function show(page, address) {
  const confirmation = page.querySelector("[role=status]");
  if (!confirmation) throw new Error("no confirmation");
  document.documentElement.className = page.documentElement.className;
  document.title = page.title;
  document.body.replaceWith(document.adoptNode(page.body));
  history.replaceState(history.state, "", address);
  confirmation.focus();
  const given = document.body.dataset.given.split(" ").filter(Boolean);
  document.dispatchEvent(new CustomEvent("consent:change", { detail: { given } }));
}
