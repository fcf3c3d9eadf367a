/** No attempt of a worker has this number. */
export const NOBODY = 1_000_000_000;

/**
 * Takes a job away from whoever may still run it, by way of its owner file: they read it, and end
 * (worker/transcoder/fence.ts).
 *
 * @throws when the file's directory is gone, which PMS may have deleted
 */
export function takeOver(ownerFile: Buffer, by: string): void {
  const fs = process.getBuiltinModule('node:fs');
  const temporary = Buffer.concat([ownerFile, Buffer.from('.new')]);
  fs.writeFileSync(temporary, `${NOBODY} ${by}\n`);
  fs.renameSync(temporary, ownerFile);
}
