// The icons of the page, as inline SVG.

/** The app's icon: a shop with its awning. */
export const Logo = () => (
  <svg viewBox="0 0 36 36" aria-hidden="true">
    <rect width="36" height="36" rx="8" fill="#12766d" />
    <path d="M9 17h18v10a1 1 0 0 1-1 1H10a1 1 0 0 1-1-1z" fill="#fff" />
    <path d="M20 20h4.5v8H20z" fill="#12766d" />
    <path d="M11.5 20h6v4.5h-6z" fill="#bfe6e1" />
    <path d="M9.5 8h17l3 7.2a3.1 3.1 0 0 1-6 .8 3.1 3.1 0 0 1-5.5 0 3.1 3.1 0 0 1-5.5 0 3.1 3.1 0 0 1-6-.8z" fill="#ffd166" />
    <path d="M15.2 8h5.6l.9 8a3.1 3.1 0 0 1-3.7 0 3.1 3.1 0 0 1-3.7 0z" fill="#f4845f" />
  </svg>
);

export const Eye = () => (
  <svg viewBox="0 0 20 20" width="14" height="14" aria-hidden="true" fill="none" stroke="currentColor" strokeWidth="1.6">
    <path d="M1.5 10S4.5 4.5 10 4.5 18.5 10 18.5 10 15.5 15.5 10 15.5 1.5 10 1.5 10z" />
    <circle cx="10" cy="10" r="2.6" />
  </svg>
);

export const Plane = () => (
  <svg viewBox="0 0 20 20" width="16" height="16" aria-hidden="true" fill="currentColor">
    <path d="M2.2 2.6 18 10 2.2 17.4 4 11.2 11 10 4 8.8z" />
  </svg>
);

export const Speech = () => (
  <svg viewBox="0 0 20 20" width="17" height="17" aria-hidden="true" fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinejoin="round">
    <path d="M10 3.2c4.3 0 7.6 2.8 7.6 6.3s-3.3 6.3-7.6 6.3c-.9 0-1.8-.1-2.6-.4L3.6 17l.9-3.2A5.8 5.8 0 0 1 2.4 9.5C2.4 6 5.7 3.2 10 3.2z" />
  </svg>
);
