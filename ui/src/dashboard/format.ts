const NOTHING = '–';

function digits(value: number, maximum: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: maximum });
}

export function count(value: number | null): string {
  if (value === null) return NOTHING;
  if (Math.abs(value) >= 1e9) return `${digits(value / 1e9, 2)} G`;
  if (Math.abs(value) >= 1e6) return `${digits(value / 1e6, 2)} M`;
  if (Math.abs(value) >= 1e5) return `${digits(value / 1e3, 0)} k`;
  return digits(value, 0);
}

export function rate(value: number | null): string {
  if (value === null) return NOTHING;
  return value >= 100 || value === 0 ? count(value) : digits(value, 1);
}

export function share(value: number | null): string {
  if (value === null) return NOTHING;
  const percent = value * 100;
  return `${digits(percent, percent > 0 && percent < 10 ? 1 : 0)} %`;
}

export function duration(seconds: number | null): string {
  if (seconds === null) return NOTHING;
  if (seconds < 0.0995) return `${digits(seconds * 1000, seconds < 0.00995 ? 1 : 0)} ms`;
  if (seconds < 1) return `${digits(seconds * 1000, 0)} ms`;
  return `${digits(seconds, seconds < 10 ? 2 : 1)} s`;
}
