import { isDeepStrictEqual } from 'node:util';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { parse } from 'yaml';
import type { FileRule } from './rule.ts';

const EXPORTS = /^deploy\/host\/(?:.*[/.])?exports$/;
const ALERTS = 'deploy/prometheus/rules.yaml';
const ALERT_OBJECT = 'deploy/components/prometheus/rules.yaml';
const ENV_FILE = 'deploy/overlays/homelab/site/homelab.env';
const REPLACEMENTS = /^deploy\/overlays\/homelab\/.*\.yaml$/;

const Alerts = Type.Object({ groups: Type.Unknown() });
const AlertObject = Type.Object({ spec: Alerts });

export const fileRules: readonly FileRule[] = [
  {
    name: 'export-needs-its-mount',
    why: 'Without `mp` an export from before the mount serves the empty directory below, for good.',
    *check(files) {
      for (const { id, options } of exportLines(files)) if (!options.has('mp')) yield `${id} lacks mp`;
    },
  },
  {
    name: 'fsid-of-one-host',
    why: 'FUSE numbers its files as they are looked up: with one fsid on two hosts, a failover serves another film.',
    *check(files) {
      const seen = new Map<string, string>();
      for (const { id, options } of exportLines(files)) {
        const fsid = options.get('fsid');
        if (!fsid) yield `${id} lacks fsid, without which FUSE is not exported`;
        else if (seen.has(fsid)) yield `${id} has the fsid ${fsid} of ${seen.get(fsid)}`;
        else seen.set(fsid, id);
      }
    },
  },
  {
    name: 'export-is-for-nodes',
    why: 'Mounts come from the address of the node, never from that of a pod, and from a high port.',
    *check(files) {
      for (const { id, client, options } of exportLines(files)) {
        if (/^(\*|10\.0\.0\.0\/8|10\.4[23]\.)/.test(client))
          yield `${id} is for ${client}, not for the nodes`;
        if (!options.has('insecure')) yield `${id} lacks insecure, and noresvport comes from a high port`;
        if (options.has('no_root_squash')) yield `${id} has no_root_squash, which reading does not need`;
      }
    },
  },
  {
    name: 'images-of-one-plex',
    why: 'A worker whose image has another build of Plex than that of PMS has the wrong codecs.',
    *check(files) {
      const bases = [...files].flatMap(([path, text]) => {
        const base =
          /^deploy\/images\/(?:pms|worker)\/Dockerfile$/.test(path) && /^ARG PLEX=(\S+)$/m.exec(text)?.[1];
        // An overlay may name what was built with another --build-arg.
        const said =
          path.startsWith('deploy/base/') && /^\s+clusterplex\.io\/plex-image: (\S+)$/m.exec(text)?.[1];
        return [base, said].flatMap((image) => (image ? [{ path, image }] : []));
      });
      if (new Set(bases.map(({ image }) => image)).size > 1) {
        yield bases.map(({ path, image }) => `${path}: ${image}`).join(', ');
      }
    },
  },
  {
    name: 'alerts-are-one',
    why: 'The object for the Prometheus operator is a copy, and copies go apart.',
    *check(files) {
      const rules: unknown = parse(files.get(ALERTS) ?? '');
      const object: unknown = parse(files.get(ALERT_OBJECT) ?? '');
      const areRules = Value.Check(Alerts, rules) && Value.Check(AlertObject, object);
      if (!areRules || !isDeepStrictEqual(rules.groups, object.spec.groups)) {
        yield `${ALERT_OBJECT} is not what ${ALERTS} says; run copy-rules.sh beside it`;
      }
    },
  },
  {
    name: 'site-is-in-one-place',
    why: 'A variable that nothing takes looks as if it did something.',
    *check(files) {
      const replacements = [...files].map(([path, text]) => (REPLACEMENTS.test(path) ? text : '')).join('\n');
      for (const [, name] of (files.get(ENV_FILE) ?? '').matchAll(/^([A-Z_]+)=/gm)) {
        if (!replacements.includes(`fieldPath: data.${name} `)) yield `${ENV_FILE}: nothing takes ${name}`;
      }
    },
  },
];

function* exportLines(files: ReadonlyMap<string, string>) {
  for (const [path, text] of files) {
    if (!EXPORTS.test(path)) continue;
    for (const [index, line] of text.split('\n').entries()) {
      const [exported, ...clients] = line.replace(/#.*/, '').trim().split(/\s+/);
      for (const given of exported ? clients : []) {
        const [, client = '', list = ''] = /^([^(]*)\(([^)]*)\)$/.exec(given) ?? [];
        const options = new Map(
          list.split(',').map((option) => [option.split('=')[0] ?? '', option.split('=')[1] ?? '']),
        );
        yield { id: `${path}:${index + 1}`, client, options };
      }
    }
  }
}
