/* Google Consent Mode v2, basic form: loaded only after a choice, before the service that asks for it.
   Everything is denied by default; one update names what the visitor granted. */

{
  const granted = document.currentScript.dataset.granted.split(" ");
  const parameters = ["ad_storage", "ad_user_data", "ad_personalization", "analytics_storage"];
  const denied = Object.fromEntries(parameters.map((name) => [name, "denied"]));
  const update = Object.fromEntries(granted.map((name) => [name, "granted"]));
  window.dataLayer = window.dataLayer || [];
  window.gtag = function gtag() {
    window.dataLayer.push(arguments);
  };
  window.gtag("consent", "default", denied);
  window.gtag("consent", "update", { ...denied, ...update });
}
