/* Google Consent Mode v2, basic form: loaded only after a choice, before the service that asks for it.
   Everything is denied by default; one update names what the visitor granted. Then each tag is told to
   begin, and to keep nothing for longer than the registry declares; a container (GTM-...) is only told
   to begin, because its own settings say how long each of its tags keeps something. */

{
  const { consent, tags = "" } = document.currentScript.dataset;
  const update = JSON.parse(consent);
  const denied = Object.fromEntries(Object.keys(update).map((name) => [name, "denied"]));
  const isContainer = (tag) => tag.startsWith("GTM-");
  const all = tags.split(" ").filter(Boolean);
  const own = all.filter((tag) => !isContainer(tag));
  window.dataLayer = window.dataLayer || [];
  window.gtag = function gtag() {
    window.dataLayer.push(arguments);
  };
  window.gtag("consent", "default", denied);
  window.gtag("consent", "update", update);
  if (all.some(isContainer)) window.dataLayer.push({ "gtm.start": Date.now(), event: "gtm.js" });
  if (own.length) window.gtag("js", new Date());
  for (const tag of own) {
    const [id, days] = tag.split("=");
    window.gtag("config", id, { cookie_expires: days * 24 * 60 * 60 });
  }
}
