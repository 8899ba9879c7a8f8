// Light, dark or the system's choice, kept in the cookie that the server reads, so that the next page starts right.
const choice = document.querySelector("[data-theme-choice]");

const press = (value) => {
  for (const button of choice.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.value === value));
  }
};

if (choice) {
  choice.hidden = false; // without a script there is nothing to press, and the system decides
  choice.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const value = button.value;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    const age = value ? 60 * 60 * 24 * 365 : 0;
    document.cookie = `theme=${value}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
    if (value) document.documentElement.dataset.theme = value;
    else delete document.documentElement.dataset.theme;
    press(value);
  });
}
