import { say } from './dialog.ts';

/** Browsers offer the clipboard to pages by HTTPS only, and the dashboard is often not one. */
export function copy(text: string): void {
  const said = (copied: boolean): void => say(copied ? 'Copied.' : 'This browser does not let pages copy.');
  if (isSecureContext) {
    navigator.clipboard.writeText(text).then(
      () => said(true),
      () => said(false),
    );
    return;
  }
  const field = document.createElement('textarea');
  field.value = text;
  document.body.append(field);
  field.select();
  said(document.execCommand('copy'));
  field.remove();
}
