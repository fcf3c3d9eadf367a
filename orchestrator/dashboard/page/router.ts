import { signal } from '@preact/signals';

export interface Place {
  readonly page: string;
  readonly key: string | null;
}

function read(): Place {
  const [page = '', key] = location.hash.replace(/^#\//, '').split('/');
  return { page: page || 'now', key: key ? decodeURIComponent(key) : null };
}

/** What the address names: `#/jobs/ID`. */
export const place = signal(read());

addEventListener('hashchange', () => {
  place.value = read();
  document.title = `${place.value.key ?? place.value.page} · ClusterPlex`;
  scrollTo(0, 0);
});

export function jobLink(id: string): string {
  return `#/jobs/${encodeURIComponent(id)}`;
}

export function workerLink(name: string): string {
  return `#/workers/${encodeURIComponent(name)}`;
}
