// What a run would find of an earlier one, for who wants to know before it begins. Nothing is changed or locked.
import { readRecordLog } from '../files/record-log.js';
import { isResuming } from './earlier-run.js';
import type { Journal, JournalOptions } from './journal.js';
import { RunState } from './manifest.js';
import type { RunRequest } from './request.js';
import { listFiles, surveyRun } from './survey.js';

/**
 * Where a run would begin, by the manifest as it is now.
 * @throws as `openJournal`, but for OUTPUT_IN_USE
 */
export async function foreseeRun(
  request: RunRequest,
  { identity, earlier }: JournalOptions,
): Promise<Pick<Journal, 'state' | 'files'>> {
  const { manifestPath: path } = request;
  const state = new RunState(request);
  const records = path === undefined || !isResuming(earlier) ? undefined : await readRecordLog(path);
  if (path === undefined || records === undefined) return { state, files: listFiles(request, () => 'new') };
  const survey = await surveyRun(request, records, { path, identity, isMixed: earlier === 'mixed' });
  for (const record of survey.records) state.addChunk(record);
  return { state, files: survey.files };
}
