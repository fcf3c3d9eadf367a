import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { Hardware } from '../../worker/gpu/hardware.ts';
import { markedProcesses } from '../../worker/transcoder/marked.ts';
import { OWNER_VARIABLE } from '../../worker/transcoder/owner.ts';
import { GpuMachine, IN_SOFTWARE, NO_CUDA, NO_ENCODER, NO_SESSION, NO_VAAPI } from '../support/gpuMachine.ts';
import { FakeClock } from '../unit/orchestrator/fakeClock.ts';

let machine: GpuMachine;
let changes = 0;
/** What was warned of. */
let warned: string[] = [];
beforeEach(() => {
  machine = new GpuMachine();
  changes = 0;
  warned = [];
});
afterEach(() => machine.remove());

function hardwareOf(clock = systemClock): Hardware {
  return new Hardware({
    transcoder: { file: machine.transcoder, env: machine.env, clock },
    places: machine.places,
    logger: pino({ level: 'warn' }, { write: (line) => warned.push(line) }),
    sessionLimit: 0,
    changed: () => {
      changes += 1;
    },
  });
}

async function proved() {
  const hardware = hardwareOf();
  await hardware.prove();
  hardware.stop();
  return hardware.gpus;
}

test('without a GPU nothing is claimed, and nothing tried', async () => {
  expect(await proved()).toEqual([]);
  expect(machine.calls).toEqual([]);
});

test('an H200 decodes everything and encodes nothing', async () => {
  machine.nvidia('h200');
  machine.refuses({ '*_nvenc*': NO_ENCODER });
  expect(await proved()).toEqual([
    {
      id: 'GPU-00000000-0000-0000-0000-000000000200',
      ...{ api: 'cuda', name: 'NVIDIA H200', device: '0000:19:00.0', driver: null },
      decoders: ['h264', 'hevc', 'hevc10', 'vp8', 'vp9', 'av1', 'mpeg2video'],
      encoders: [],
      filters: ['scale_cuda', 'tonemap_cuda', 'yadif_cuda'],
      sessionLimit: 0,
    },
  ]);
});

test('an RTX 3080 encodes no AV1, and its driver counts sessions', async () => {
  machine.nvidia('rtx-3080-v13');
  machine.refuses({ '*av1_nvenc*': NO_ENCODER });
  const [gpu] = await proved();
  expect(gpu).toMatchObject({ encoders: ['h264_nvenc', 'hevc_nvenc', 'hevc10_nvenc'], sessionLimit: 8 });
});

test('a card that does HEVC in 8 bits only has not proved 10', async () => {
  machine.nvidia('gtx-1070-ti');
  machine.refuses({
    '*nvdec*/hevc10.mkv*format=p010*': IN_SOFTWARE,
    '*format=p010,hwupload*hevc_nvenc*': NO_ENCODER,
  });
  const [gpu] = await proved();
  expect(gpu?.decoders).toEqual(['h264', 'hevc', 'vp8', 'vp9', 'av1', 'mpeg2video']);
  expect(gpu?.encoders).toEqual(['h264_nvenc', 'hevc_nvenc', 'av1_nvenc']);
});

test('ffmpeg’s silent way back to software is no hardware decoder', async () => {
  machine.nvidia('tesla-t4');
  machine.refuses({ '*nvdec*/av1.mkv*hwdownload*': IN_SOFTWARE });
  const [gpu] = await proved();
  expect(gpu?.decoders).toEqual(['h264', 'hevc', 'hevc10', 'vp8', 'vp9', 'mpeg2video']);
});

test('a card that the transcoder can’t reach is not there, whatever nvidia-smi says; why not is warned of once', async () => {
  machine.nvidia('tesla-t4');
  machine.refuses({ '*cuda*': NO_CUDA });
  const hardware = hardwareOf();
  await hardware.prove();
  expect(hardware.gpus).toEqual([]);
  expect(machine.calls).toHaveLength(1);
  expect(hardware.problem).toMatch(
    /^Tesla T4 \(cuda, 0000:00:1e\.0\) can't be used: .* -> CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected; NVIDIA_DRIVER_CAPABILITIES must /,
  );
  await hardware.prove();
  expect(warned).toHaveLength(1);
  expect(JSON.parse(warned[0] ?? '')).toMatchObject({ problem: hardware.problem });
  machine.refuses({});
  await hardware.prove();
  expect(hardware.problem).toBeNull();
  hardware.stop();
});

test('a card that can be reached and neither decodes nor encodes is of no use, and it is said why', async () => {
  machine.nvidia('tesla-t4');
  const missing = 'Cannot load libnvcuvid.so.1';
  machine.refuses({ '*nvdec*': missing, '*_nvenc*': 'Cannot load libnvidia-encode.so.1' });
  const hardware = hardwareOf();
  await hardware.prove();
  hardware.stop();
  expect(hardware.problem).toContain(`Tesla T4 (cuda, 0000:00:1e.0) can't be used: ${missing}; `);
});

test('an Intel GPU that no driver reaches is told with what each of them said; Intel’s own interface may be missing', async () => {
  machine.drm('renderD128', 'i915', '0000:00:02.0');
  machine.refuses({ '*driver=iHD*': NO_VAAPI, '*driver=i965*': 'no i965 here', '*qsv=*': 'no QSV here' });
  const hardware = hardwareOf();
  await hardware.prove();
  expect(hardware.problem).toMatch(
    /\(vaapi, .*\/renderD128\) can't be used: iHD: .*Failed to initialise VAAPI connection.*; i965: no i965 here; .*LIBVA_DRIVERS_PATH/,
  );
  machine.refuses({ '*qsv=*': 'no QSV here' });
  await hardware.prove();
  expect(hardware.problem).toBeNull();
  hardware.stop();
});

test('an Intel GPU gets the driver that works there, not the one that PMS would name', async () => {
  machine.drm('renderD128', 'i915', '0000:00:02.0');
  machine.refuses({
    '*driver=iHD*': NO_VAAPI,
    '*av1_vaapi*': 'x',
    '*qsv=*': 'Error creating a MFX session: -9.',
  });
  const gpus = await proved();
  expect(gpus).toMatchObject([
    {
      ...{ api: 'vaapi', driver: 'i965', device: `${machine.places.dev}/renderD128` },
      encoders: ['h264_vaapi', 'hevc_vaapi', 'hevc10_vaapi'],
      sessionLimit: null,
    },
  ]);
  expect(gpus[0]?.id).toMatch(/^[0-9a-f-]{36}\/0000:00:02\.0$/);
});

test('a transcoder that hangs in the driver costs the trial’s deadline, and nothing stays behind', async () => {
  machine.nvidia('tesla-t4');
  machine.refuses({ '*-hwaccel*': 'hang', '*_cuda*': 'hang' });
  const clock = new FakeClock();
  const hardware = hardwareOf(clock);
  const round = hardware.prove();
  const running = () => machine.calls.filter((call) => /hwaccel|_cuda=/.test(call)).length;
  while (hardware.gpus.length === 0) {
    await new Promise((resolve) => setImmediate(resolve));
    if (running() > 0) clock.advance(1_000);
  }
  await round;
  hardware.stop();
  expect(hardware.gpus[0]).toMatchObject({ decoders: [], filters: [] });
  await vi.waitFor(() => {
    expect([...markedProcesses(OWNER_VARIABLE).values()]).not.toContain(machine.directory);
  });
});

test('an nvidia-smi that fails is no NVIDIA card', async () => {
  machine.nvidiaSmi('echo "NVIDIA-SMI has failed"; exit 9');
  expect(await proved()).toEqual([]);
});

describe('after a failure', () => {
  /** Lets the trials that are due run, until they changed something. */
  async function later(clock: FakeClock, ms: number): Promise<void> {
    const before = changes;
    clock.advance(ms);
    await vi.waitFor(() => expect(changes).toBe(before + 1), { timeout: 10_000, interval: 5 });
  }

  test('a lost card takes the hardware away, and gives it back when it works again', async () => {
    machine.nvidia('rtx-3080-v13');
    const clock = new FakeClock();
    const hardware = hardwareOf(clock);
    await hardware.prove();
    const before = hardware.gpus;
    machine.refuses({ '*cuda*': NO_CUDA });
    clock.advance(10_000);
    hardware.suspect('lost');
    await later(clock, 0);
    expect(hardware.gpus).toEqual([]);
    machine.refuses({});
    await later(clock, 60_000);
    expect(hardware.gpus).toEqual(before);
    expect(changes).toBe(3);
    hardware.stop();
  });

  test('one that is of no use is tried again: its driver may come late', async () => {
    machine.nvidia('tesla-t4');
    machine.refuses({ '*cuda*': NO_CUDA });
    const clock = new FakeClock();
    const hardware = hardwareOf(clock);
    await hardware.prove();
    expect(hardware.gpus).toEqual([]);
    machine.refuses({});
    await later(clock, 300_000);
    expect(hardware.gpus).toHaveLength(1);
    hardware.stop();
  });

  test('many failures are one round of trials, and taken sessions are none', async () => {
    machine.nvidia('rtx-3080-v13');
    const clock = new FakeClock();
    const hardware = hardwareOf(clock);
    await hardware.prove();
    const { length } = machine.calls;
    hardware.suspect('sessions');
    clock.advance(60_000);
    expect(machine.calls).toHaveLength(length);
    for (let job = 0; job < 5; job += 1) hardware.suspect('lost');
    clock.advance(0);
    await hardware.prove();
    hardware.stop();
    expect(machine.calls).toHaveLength(2 * length);
    expect(changes).toBe(1);
  });

  test('an encoder that found all sessions taken is tried again, and stays if it was there before', async () => {
    machine.nvidia('rtx-3080-v13');
    machine.refuses({ '*_nvenc*': NO_SESSION });
    const clock = new FakeClock();
    const hardware = hardwareOf(clock);
    await hardware.prove();
    expect(hardware.gpus[0]).toMatchObject({ encoders: [] });
    machine.refuses({});
    await later(clock, 60_000);
    const all = ['h264_nvenc', 'hevc_nvenc', 'hevc10_nvenc', 'av1_nvenc'];
    expect(hardware.gpus[0]).toMatchObject({ encoders: all });
    machine.refuses({ '*_nvenc*': NO_SESSION });
    await hardware.prove();
    expect(hardware.gpus[0]).toMatchObject({ encoders: all });
    hardware.stop();
  });
});
