/** The time of day here: of something recent. */
export function timeOfDay(at: string): string {
  return new Date(at).toTimeString().slice(0, 8);
}

/** How long that is: `4s`, `3m12s`, `5h07m`, `2d04h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [minutes, hours, days] = [
    Math.floor(seconds / 60),
    Math.floor(seconds / 3600),
    Math.floor(seconds / 86_400),
  ];
  if (days > 0) return `${days}d${two(hours % 24)}h`;
  if (hours > 0) return `${hours}h${two(minutes % 60)}m`;
  if (minutes > 0) return `${minutes}m${two(seconds % 60)}s`;
  return `${seconds}s`;
}
