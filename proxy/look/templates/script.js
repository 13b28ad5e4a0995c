// Shows passwords and tells of Caps Lock. Without it the pages work just as well.
"use strict";

function button(input, words) {
  const show = document.createElement("button");
  const say = (shown) => {
    show.textContent = shown ? words.hide : words.show;
    show.setAttribute("aria-label", shown ? words.hideLabel : words.showLabel);
    input.type = shown ? "text" : "password";
  };
  show.type = "button";
  show.className = "reveal";
  show.setAttribute("aria-controls", input.id);
  show.addEventListener("click", () => say(input.type === "password"));
  // A password manager, or the browser's memory of forms, must not take it for a plain field.
  input.form.addEventListener("submit", () => say(false));
  say(false);
  input.after(show);
}

function capsLock(input, words) {
  const hint = document.createElement("p");
  hint.className = "hint";
  hint.setAttribute("role", "status");
  input.parentElement.after(hint);
  const look = (event) => {
    const on = event.getModifierState && event.getModifierState("CapsLock");
    hint.textContent = on ? words.caps : "";
  };
  input.addEventListener("keydown", look);
  input.addEventListener("keyup", look);
  input.addEventListener("blur", () => { hint.textContent = ""; });
}

for (const input of document.querySelectorAll(".secret > input")) {
  const words = input.form.dataset;
  button(input, words);
  capsLock(input, words);
}
