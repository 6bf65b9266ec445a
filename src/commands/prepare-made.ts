// What the commands that make one file check before they make it.
import { prepareOutputs } from '../files/prepare-outputs.js';
import { refuseClashes } from '../files/refuse-clashes.js';

/** Makes the folder of a file. @throws FILE_FAILED; INVALID_OPTION if it is the file of the settings */
export async function prepareMade(output: string, configPath: string | undefined): Promise<void> {
  await refuseClashes([{ path: output, option: 'output' }], configPath === undefined ? [] : [configPath]);
  await prepareOutputs([output]);
}
