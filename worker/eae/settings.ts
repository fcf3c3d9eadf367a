import { flag, httpUrl, integer } from '#shared/settings/table.ts';

export const eaeSettings = {
  EAE_SUPPORT: flag(true, 'Whether EasyAudioEncoder is fetched and run beside Plex’s transcoder.'),
  EAE_VERSION_NUMBER: integer(2001, 1, 1_000_000_000, 'Which EasyAudioEncoder is asked for.'),
  EAE_URL: httpUrl(
    'https://plex.tv/api/codecs/easyaudioencoder',
    'The service that offers EasyAudioEncoder and its licence.',
  ),
};
