/** The file in a job's directory that says which attempt owns the job. A jobId is anything; a file name is not. */
export function ownerFile(jobId: string): string {
  return `.clusterplex-${encodeURIComponent(jobId).slice(0, 200)}`;
}
