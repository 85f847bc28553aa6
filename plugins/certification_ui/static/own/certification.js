// Conveniences only: every page works without them.
(function () {
  "use strict";

  // After a refused form, the list of what to correct is read first.
  var summary = document.getElementById("error-summary");
  if (summary) { summary.focus(); }

  // One box that ticks all others of its table.
  document.querySelectorAll("[data-ticks-all]").forEach(function (all) {
    var boxes = document.querySelectorAll("input[name='" + all.dataset.ticksAll + "']");
    all.closest("[hidden]") && all.closest("[hidden]").removeAttribute("hidden");
    all.addEventListener("change", function () {
      boxes.forEach(function (box) { box.checked = all.checked; });
    });
    boxes.forEach(function (box) {
      box.addEventListener("change", function () {
        all.checked = Array.prototype.every.call(boxes, function (one) { return one.checked; });
      });
    });
  });

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
