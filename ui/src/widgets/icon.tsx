// Drawn on a grid of 24, with a line of 1.75.
const PATHS = {
  add: 'M12 5v14M5 12h14',
  chat: 'M5 5h14a1.5 1.5 0 0 1 1.5 1.5v9A1.5 1.5 0 0 1 19 17h-7l-5 4v-4H5a1.5 1.5 0 0 1-1.5-1.5v-9A1.5 1.5 0 0 1 5 5z',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  close: 'M6 6l12 12M18 6L6 18',
  copy: 'M9 9h10v11H9zM15 9V4H5v11h4',
  dashboard: 'M4 20V11M10 20V4M16 20v-7M21 20H3',
  down: 'M12 5v14M6 13l6 6 6-6',
  edit: 'M4 20l1-4.5L16.5 4l3.5 3.5L8.5 19zM14.5 6l3.5 3.5',
  error: 'M12 3.5L21.5 20h-19zM12 10v4.5M12 17v.2',
  menu: 'M4 7h16M4 12h16M4 17h10',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
  next: 'M9 5l7 7-7 7',
  previous: 'M15 5l-7 7 7 7',
  retry: 'M5 12a7 7 0 1 0 2.3-5.2L5 9M5 4v5h5',
  screen: 'M4 5h16v11H4zM9 20h6M12 16v4',
  send: 'M12 20V5M5.5 11.5L12 5l6.5 6.5',
  sliders: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.8v4.4M9 14.8v4.4',
  stop: 'M7 7h10v10H7z',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4',
  thought:
    'M9 18h6M10 21h4M12 3a6 6 0 0 0-3.5 10.9c.6.4 1 1.1 1 1.9h5c0-.8.4-1.5 1-1.9A6 6 0 0 0 12 3z',
  tint: 'M12 3.5c3.5 4 5.5 6.8 5.5 9.5a5.5 5.5 0 0 1-11 0c0-2.7 2-5.5 5.5-9.5z',
  tool: 'M14.5 6.5a4 4 0 0 1 5-1.5l-2.8 2.8.6 2 2 .6L22 7.6a4 4 0 0 1-5.4 4.9L8.5 20.5a2 2 0 0 1-3-3l8-8.1a4 4 0 0 1 1-2.9z',
  trash: 'M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 10.5v6M13.5 10.5v6',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect class="logo-ground" width="32" height="32" rx="8" />
      <path d="M16 10c-2.5-2-5.5-2.5-9-2.5v13c3.5 0 6.5.5 9 2.5 2.5-2 5.5-2.5 9-2.5v-13c-3.5 0-6.5.5-9 2.5zM16 10v13M7 24.5c3.5 0 6.5.3 9 1.5 2.5-1.2 5.5-1.5 9-1.5" />
    </svg>
  );
}
