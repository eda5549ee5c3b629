// The colours of a file of its own: a page is dark where the system is.

export function followTheme() {
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const follow = () => document.body.classList.toggle('dark', dark.matches);
  dark.addEventListener('change', follow);
  follow();
}
