import type { SoftwareRate, VideoPart } from '#shared/argv/videoPart.ts';

/**
 * PMS's quality for libx264, of the captures that show a GPU's command and the CPU's for the same clip: they differ by
 * the height of the picture. A GPU's command holds only bit rates.
 */
const TALL = 720;
const SOFTWARE_RATES: Record<'tall' | 'small', SoftwareRate> = {
  tall: {
    crf: '23',
    preset: 'veryfast',
    level: null,
    x264opts: 'subme=1:me_range=4:rc_lookahead=10:me=hex:8x8dct=0:partitions=none',
  },
  small: {
    crf: '21',
    preset: 'veryfast',
    level: null,
    x264opts: 'subme=2:me_range=4:rc_lookahead=20:me=hex',
  },
};

/** Pairs of optimised versions show the same number for both, but for the finest one. */
const FINEST = { crf: '16', qp: '15' };

export function softwareRate({ software, qp, height }: VideoPart): SoftwareRate {
  if (software) return software;
  const rate = SOFTWARE_RATES[Number(height) >= TALL ? 'tall' : 'small'];
  if (qp === null) return rate;
  return { ...rate, crf: qp === FINEST.qp ? FINEST.crf : qp };
}

/** What VAAPI is told: PMS's `-qp`, or, where nothing says which, a bit rate, as PMS did up to 2020. */
export function vaapiRate({ qp, software, maxrate }: VideoPart): string[] {
  if (qp !== null) return ['-qp:0', qp];
  if (software) return ['-qp:0', software.crf === FINEST.crf ? FINEST.qp : software.crf];
  return ['-b:0', maxrate];
}
