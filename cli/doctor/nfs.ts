export interface Remark {
  readonly says: string;
  readonly remedy: string;
}

/** What NFS caches when nobody says otherwise, in seconds. */
const DEFAULT_CACHE = 60;
const MAX_CACHE = 5;

/** What is wrong with how an NFS directory is mounted, by the options that the kernel shows. */
export function nfsRemarks(
  mounted: { readonly type: string; readonly options: string },
  mode: 'ro' | 'rw',
): Remark[] {
  if (!/^nfs4?$/.test(mounted.type)) return [];
  const options = new Map(
    mounted.options.split(',').map((option) => [option.split('=')[0] ?? '', option.split('=')[1]]),
  );
  const remarks: Remark[] = [];
  if (options.has('soft') || options.has('softerr')) {
    remarks.push({
      says: 'it is mounted soft: when the server is slow for a moment, transcodes lose data or end early',
      remedy: 'mount it with hard instead of soft',
    });
  }
  // Only where one side looks for what the other has just written.
  if (mode === 'ro' || options.has('noac')) return remarks;
  const cached = Math.max(
    ...['actimeo', 'acregmax', 'acdirmax'].flatMap((name) => {
      const given = options.get(name);
      return given === undefined ? [] : [Number(given)];
    }),
    options.has('actimeo') || (options.has('acregmax') && options.has('acdirmax')) ? 0 : DEFAULT_CACHE,
  );
  if (cached > MAX_CACHE) {
    remarks.push({
      says: `attributes are cached for up to ${cached} s: segments are seen that late`,
      remedy: 'mount it with actimeo=1 and lookupcache=positive',
    });
  } else if (!['pos', 'positive', 'none'].includes(options.get('lookupcache') ?? '')) {
    remarks.push({
      says: 'what is missing is cached, too: a segment that was asked for early is seen late',
      remedy: 'mount it with lookupcache=positive',
    });
  }
  return remarks;
}
