/* Google Consent Mode v2, basic form: loaded only after a choice, before the service that asks for it.
   Everything is denied by default; one update names what the visitor granted. Then each tag is told to
   begin, and to keep nothing for longer than the registry declares. */

{
  const { consent, tags = "" } = document.currentScript.dataset;
  const update = JSON.parse(consent);
  const denied = Object.fromEntries(Object.keys(update).map((name) => [name, "denied"]));
  window.dataLayer = window.dataLayer || [];
  window.gtag = function gtag() {
    window.dataLayer.push(arguments);
  };
  window.gtag("consent", "default", denied);
  window.gtag("consent", "update", update);
  if (tags) window.gtag("js", new Date());
  for (const tag of tags.split(" ").filter(Boolean)) {
    const [id, days] = tag.split("=");
    window.gtag("config", id, { cookie_expires: days * 24 * 60 * 60 });
  }
}
