import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { CpuMeter } from '../../../worker/load/cpu.ts';

function files(contents: Record<string, string>) {
  return (path: string): string => {
    const content = contents[path];
    if (content === undefined) throw new Error('ENOENT');
    return content;
  };
}

test('cgroup v2: percent of what the limit allows', () => {
  const contents: Record<string, string> = {
    '/proc/self/cgroup': '0::/\n',
    '/sys/fs/cgroup/cpu.stat': 'usage_usec 1000000\nuser_usec 1\n',
    '/sys/fs/cgroup/cpu.max': '50000 100000\n',
  };
  const meter = new CpuMeter(files(contents));
  expect(meter.cpus).toBe(0.5);
  expect(meter.measure(1_000)).toBeNull();
  contents['/sys/fs/cgroup/cpu.stat'] = 'usage_usec 1250000\n';
  // 0.25 s of CPU in 1 s, of half a CPU.
  expect(meter.measure(2_000)).toBeCloseTo(50);
});

test('cgroup v2: the own group’s directory, and no limit', () => {
  const contents: Record<string, string> = {
    '/proc/self/cgroup': '0::/system.slice/worker.service\n',
    '/sys/fs/cgroup/system.slice/worker.service/cpu.stat': 'usage_usec 0\n',
    '/sys/fs/cgroup/system.slice/worker.service/cpu.max': 'max 100000\n',
    '/sys/fs/cgroup/cpu.stat': 'usage_usec 99\n',
  };
  const meter = new CpuMeter(files(contents));
  expect(meter.cpus).toBe(availableParallelism());
  meter.measure(0);
  contents['/sys/fs/cgroup/system.slice/worker.service/cpu.stat'] =
    `usage_usec ${availableParallelism() * 1_000_000}\n`;
  expect(meter.measure(1_000)).toBeCloseTo(100);
});

test('cgroup v1', () => {
  const contents: Record<string, string> = {
    '/sys/fs/cgroup/cpuacct/cpuacct.usage': '0\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '100000\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
  };
  const meter = new CpuMeter(files(contents));
  meter.measure(0);
  contents['/sys/fs/cgroup/cpuacct/cpuacct.usage'] = '300000000\n';
  expect(meter.measure(1_000)).toBeCloseTo(30);
});

test('without cgroups: the machine', () => {
  const contents: Record<string, string> = { '/proc/stat': 'cpu  0 0 0 0 0 0 0 0 0 0\n' };
  const meter = new CpuMeter(files(contents));
  meter.measure(0);
  contents['/proc/stat'] = `cpu  ${50 * availableParallelism()} 0 0 900 9 0 0 0 0 0\n`;
  expect(meter.measure(1_000)).toBeCloseTo(50);
});

test('a reading that goes backwards, or has no time between, is no load', () => {
  const contents: Record<string, string> = { '/proc/stat': 'cpu  100 0 0 0 0 0 0 0 0 0\n' };
  const meter = new CpuMeter(files(contents));
  meter.measure(0);
  contents['/proc/stat'] = 'cpu  0 0 0 0 0 0 0 0 0 0\n';
  expect(meter.measure(1_000)).toBe(0);
  expect(meter.measure(1_000)).toBeNull();
});
