/* A spare: once a frame has had the focus, browsers heed no "autofocus" in its next page. Without it
   the focus stays at the beginning of the frame. Nothing is scrolled, here or around it. */

document.querySelector("[autofocus]").focus({ preventScroll: true });

/* What was loaded once is not loaded once more by going back to it. */
const address = new URL(location.href);
if (address.searchParams.has("once")) {
  address.searchParams.delete("once");
  history.replaceState(null, "", address);
}
