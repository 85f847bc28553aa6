// Conveniences only: every page works without them.
(function () {
  "use strict";

  // After a refused form, the list of what to correct is read first.
  var summary = document.getElementById("error-summary");
  if (summary) { summary.focus(); }

  // The server may leave parts of a page for later where they are asked for by themselves.
  var root = document.documentElement.dataset.root;
  if (root) {
    document.cookie = "certification_script=yes; path=" + root + "; max-age=31536000; samesite=lax" +
      (location.protocol === "https:" ? "; secure" : "");
  }

  // One box that ticks all others of its table; the table may come later than the page.
  function showBoxesThatTickAll() {
    document.querySelectorAll("[hidden] [data-ticks-all]").forEach(function (all) {
      all.closest("[hidden]").removeAttribute("hidden");
    });
  }
  showBoxesThatTickAll();
  document.addEventListener("htmx:after:swap", showBoxesThatTickAll);
  document.addEventListener("change", function (event) {
    var all = event.target.closest("[data-ticks-all]");
    if (all) {
      boxesOf(all).forEach(function (box) { box.checked = all.checked; });
      return;
    }
    document.querySelectorAll("[data-ticks-all]").forEach(function (one) {
      if (one.dataset.ticksAll === event.target.name) {
        one.checked = Array.prototype.every.call(boxesOf(one), function (box) { return box.checked; });
      }
    });
  });
  function boxesOf(all) { return document.querySelectorAll("input[name='" + all.dataset.ticksAll + "']"); }

  // A second click on a button that is already at work does nothing.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if ((form.method || "").toLowerCase() === "post") { form.dataset.sent = "yes"; }
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { delete form.dataset.sent; });
  });
})();
